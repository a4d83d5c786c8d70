"""`streamer retrain`: trains a challenger on what came lately, and promotes it where it beats the champion."""
