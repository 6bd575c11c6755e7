"""Live capture: a Windows session as a source of event batches.

How the parts are used::

    plan = CapturePlan(tags=(b"AfdE",), stacks=True, seconds=60)        # plan.py: what to capture, pure
    with Capture.open(plan, windows_api()) as capture:                  # capture.py, api in windows.py
        analysis = Analysis(capture, tag_names)                         # a tracer.trace.Source
        for batch in capture.batches(Analysis.KINDS):                   # ends after stop(), seconds, or an error
            analysis.feed(batch)
    # left in any way, the sessions are stopped

    with Recording.open(plan, windows_api()) as recording:              # recording.py: plan.file says where
        loss = recording.loss                                           # polled while it runs
        recording.stop()

A capture cannot wait for kernels to be compiled: on a machine that has none yet, call
``tui.reading.compilation.compile_kernels`` (which analyses the demo trace) before ``Capture.open``.

``batches`` never waits: it yields an empty batch where nothing is due; ``Capture.wait(seconds)`` waits for events.
Errors are :class:`~tracer.errors.MachineError`; their codes stand in :mod:`tracer.live.failures`. ``windows_api()``
gives ``no-capture`` where this is not Windows. Everything but :mod:`tracer.live.windows` can be imported, and is
tested, on any system; ``tests/tracer/live/fake_api.py`` plays Windows.

What was run where is said in ``docs/live.md``: nothing here has met a live Windows kernel yet.
"""
