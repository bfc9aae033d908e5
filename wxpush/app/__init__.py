"""What the commands do, without a terminal: joins campaign, delivery and channel.

A room between `cli` and the three that never import each other, so that a command stays one sentence
(parse, build, run, show) and another entrance, such as a web service, can call the same functions.
"""
