"""An open study: answers to the messages of browsers, and judgement of clicks."""
