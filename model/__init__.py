"""The golden model: periphery, devices, networks and training in integers, and the specification that hdl shares."""
