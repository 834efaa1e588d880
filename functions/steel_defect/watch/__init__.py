"""The service at the line: a folder that cameras write to, each picture of it with exactly one result.

`looking.py` finds pictures and tells the ledger; `work.py` takes those that are due from it, and has them scored here
(`scoring.py`) or sent to a bucket (`sending.py`); `delivering.py` hands outcomes to a webhook or an MQTT broker.
Everything that must outlive a kill or a power cut is in the ledger or beside it as a result.
"""
