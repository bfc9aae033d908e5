"""Files in, messages out: campaign files, lists of recipients, rendering and the checks of both."""
