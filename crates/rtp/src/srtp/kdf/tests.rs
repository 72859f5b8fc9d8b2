use super::*;
use crate::srtp::tests::hex;

fn check(key: &str, salt: &str, label: Label, expected: &str) {
    let expected = hex(expected);
    let mut padded = Zeroizing::new([0; 14]);
    padded.copy_from_slice(&hex(salt));
    let master = MasterKey {
        prf: counter_mode(&hex(key)).unwrap(),
        salt: padded,
    };
    // What was in the buffer before does not matter.
    let mut derived = vec![0xa5; expected.len()];
    master.derive(label, &mut derived).unwrap();
    assert_eq!(derived, expected, "{label:?}");
}

/// RFC 3711 appendix B.3.
#[test]
fn keys_of_128_bits_are_derived_as_in_the_standard() {
    let check = |label, expected| {
        let key = "E1F97A0D3E018BE0D64FA32C06DE4139";
        check(key, "0EC675AD498AFEEBB6960B3AABE6", label, expected);
    };
    check(Label::RtpEncryption, "C61E7A93744F39EE10734AFE3FF7A087");
    check(Label::RtpSalt, "30CBBC08863D8C85D49DB34A9AE1");
    check(
        Label::RtpAuthentication,
        "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
         E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
         6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2",
    );
}

/// RFC 6188 §7.2.
#[test]
fn keys_of_256_bits_are_derived_as_in_the_standard() {
    let check = |label, expected| {
        let key = "F0F04914B513F2763A1B1FA130F10E2998F6F6E43E4309D1E622A0E332B9F1B6";
        check(key, "3B04803DE51EE7C96423AB5B78D2", label, expected);
    };
    check(
        Label::RtpEncryption,
        "5BA1064E30EC51613CAD926C5A28EF731EC7FB397F70A960653CAF06554CD8C4",
    );
    check(Label::RtpSalt, "FA31791685CA444A9E07C6C64E93");
}

#[test]
fn keys_and_salts_of_other_lengths_are_refused() {
    for profile in crate::srtp::tests::PROFILES {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        for (key, salt) in [
            (key + 1, salt),
            (key - 1, salt),
            (key, salt + 1),
            (key, salt - 1),
            (0, 0),
        ] {
            let made = MasterKey::new(profile, &vec![1; key], &vec![2; salt]);
            assert_eq!(made.err(), Some(SrtpError::KeyLength), "{profile:?} {key} {salt}");
        }
    }
}
