"""The words of anti-cheat. Values are the contract's; never translated."""

from enum import StrEnum


class DetectionType(StrEnum):
    """What was noticed. Source: primary contract 5.1."""

    TAB_SWITCH = "tab_switch"
    WINDOW_BLUR = "window_blur"
    KEYBOARD_SHORTCUT = "keyboard_shortcut"
    RIGHT_CLICK = "right_click"
    COPY_PASTE = "copy_paste"
    TIME_ANOMALY = "time_anomaly"
    MULTIPLE_DEVICES = "multiple_devices"


class DetectionSource(StrEnum):
    """Who noticed it: the taker's browser, whose word it is, or the server itself."""

    CLIENT = "client"
    SERVER = "server"


class Action(StrEnum):
    """What follows from a detection for its session."""

    NONE = "none"
    BAN = "ban"
    FLAG = "flag"
    PAUSE = "pause"


MIN_SEVERITY = 1
MAX_SEVERITY = 5
