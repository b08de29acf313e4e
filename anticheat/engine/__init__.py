"""Pure rules: how suspicious acts are weighed and counted, and when a device is another one."""
