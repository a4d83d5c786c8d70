"""What `bench_forecast.py` is made of: real series, who forecasts them, the scores, and tables of them."""
