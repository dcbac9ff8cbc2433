"""The source of the function that stands for a run trigger on Google Cloud: `main.py` and its requirements.

It runs there, under Google's Python, and imports nothing of ours.
"""
