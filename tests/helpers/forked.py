"""Scripts in processes of their own, forked from one that has the library imported: starting an interpreter for
each would take longer than what most of them do.
"""

import multiprocessing
import os
import sys

WITH = multiprocessing.get_context("forkserver")
WITH.set_forkserver_preload(["analysis_lib.binding.build", "analysis_lib.__main__"])


def start(script, folder, said):
    """Start a script in a folder; its standard streams go to the file ``said``. Returns the process."""
    process = WITH.Process(target=_run, args=(script, str(folder), str(said)))
    process.start()
    return process


def _run(script, folder, said):
    multiprocessing.set_start_method(
        None, force=True
    )  # what the script starts, it starts as it would by itself
    os.chdir(folder)
    with open(said, "w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    # as the module that runs, so that the processes which it starts find its functions
    exec(compile(script, "script", "exec"), vars(sys.modules["__main__"]))
