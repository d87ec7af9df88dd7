"""Where people meet it: command line, web pages, records, exports."""
