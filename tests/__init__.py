"""Tests, in folders named after what they test: the core's modules and packages, the adapters, the trainer, infra.

What is tested elsewhere than its name says:

- `api`, `body`, `answer`, `errors`, `http`: adapters/test_http_contract.py and requests_table.py, which send a table of
  requests to the core and to the servers of both clouds; test_openapi.py has the document.
- `drift`: cli/test_drift.py; `serving`: registry/; `model_uri`: core/test_settings.py.
- The Lambda and Cloud Run entry points: adapters/, through the runtimes that both clouds use.

`servers/` holds the emulators and what stands before a deployment, `transports.py` the functions' own servers.
`pytest --no-servers` skips what needs one; `.ci/quick` runs the tests that are quick.
"""
