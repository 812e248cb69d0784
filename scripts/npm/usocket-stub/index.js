'use strict';
// dbus-next asks for usocket only to pass file descriptors and falls back to plain sockets when it is missing.
throw new Error('usocket is replaced by a stand-in: Drover passes no file descriptors over D-Bus');
