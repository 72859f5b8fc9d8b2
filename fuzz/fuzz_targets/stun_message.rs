#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tertulia_fuzz::turn::stun_message(data));
