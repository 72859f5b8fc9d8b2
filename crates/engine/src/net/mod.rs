pub(crate) mod datagrams;
pub(crate) mod tcp;
pub(crate) mod udp;
