"""The desk's addresses, by what they are about: what each request asks of the rooms beside, and nothing more.

Whatever comes from a request is a key, a number or a document against a schema before it reaches a file. What takes
long runs in threads or in child processes, never in the loop that answers.
"""
