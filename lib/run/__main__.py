"""Whether a run folder is as its run left it: `python -m lib.run verify --help`."""

from lib.run.run_folder import main

raise SystemExit(main())
