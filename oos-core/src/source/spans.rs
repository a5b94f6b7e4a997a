//! Parser events → spans; the only file that names the event parser.
