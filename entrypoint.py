"""The container's door: runs the action and ends with its exit code."""

from __future__ import annotations

from faultray_action.action import main

if __name__ == "__main__":
    main()
