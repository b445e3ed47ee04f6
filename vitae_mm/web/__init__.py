"""The page of ``tools/web_demo.py``; needs requirements/web.txt."""
