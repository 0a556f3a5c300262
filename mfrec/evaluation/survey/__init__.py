"""What people think of results: a blind page to answer, and the table of the answers.

* :mod:`mfrec.evaluation.survey.page` writes one self-contained web page and the key that says which picture is whose;
* :mod:`mfrec.evaluation.survey.answers` collects the files that the page saves, and counts.

The two questions are the thesis's: which picture has the highest quality, and which is the best match of the person.
Every picture also gets an opinion score from 1 to 5 (ITU-T P.910, absolute category rating).
"""
