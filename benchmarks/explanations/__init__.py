"""Do explanations name the channel that is at fault?"""
