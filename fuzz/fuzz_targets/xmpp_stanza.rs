#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tertulia_fuzz::targets::xmpp_stanza(data));
