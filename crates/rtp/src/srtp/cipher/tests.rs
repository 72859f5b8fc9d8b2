use super::*;
use crate::srtp::sender::rtcp_associated;
use crate::srtp::tests::hex;

/// Session keys of RFC 7714 §16 and §17; the salt is "Quid pro quo".
fn gcm(key_len: u8) -> Gcm {
    let key: Vec<u8> = (0..key_len).collect();
    Gcm::new(&key, Zeroizing::new(*b"Quid pro quo")).unwrap()
}

/// RFC 7714 §16.1.1 to §16.2.2: sequence number f17b of the stream 5501a0b2 in rollover 0.
#[test]
fn gcm_protects_rtp_as_in_the_standard() {
    let vectors = [
        (
            16,
            "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833",
            "899d7f27 beb16a91 52cf765e e4390cce",
        ),
        (
            32,
            "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b",
            "7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
        ),
    ];
    let header = hex("8040f17b 8041f8d3 5501a0b2");
    let plain = b"Gallia est omnis divisa in partes tres";
    for (key_len, cipher_text, tag) in vectors {
        let gcm = gcm(key_len);
        let mut bytes = *plain;
        let index = Index::Rtp(0xf17b);
        let mut made = [0; GCM_TAG];
        gcm.seal(0x5501_a0b2, index, &header, &mut bytes, &mut made)
            .unwrap();
        assert_eq!(bytes[..], hex(cipher_text));
        assert_eq!(made[..], hex(tag));
        gcm.open(0x5501_a0b2, index, &header, &mut bytes, &made).unwrap();
        assert_eq!(bytes, *plain);
    }
}

/// RFC 7714 §17.1 and §17.2: the sender report of "Mars" with index 5d4.
#[test]
fn gcm_protects_rtcp_as_in_the_standard() {
    let vectors = [
        (
            16,
            "63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded \
             0bb9275b",
            "c84aa458 96cf4d2f c5abf872 45d9eade",
        ),
        (
            32,
            "d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047 \
             6f1b6fad",
            "1d1eb30c 4446839f 57ff6f6c b26ac3be",
        ),
    ];
    let plain = hex(
        "4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let clear = [0x81, 0xc8, 0x00, 0x0d, b'M', b'a', b'r', b's'];
    let ssrc = u32::from_be_bytes(*b"Mars");
    let word = 0x8000_05d4;
    for (key_len, cipher_text, tag) in vectors {
        let gcm = gcm(key_len);
        let mut bytes = plain.clone();
        let associated = rtcp_associated(clear, word);
        let mut made = [0; GCM_TAG];
        gcm.seal(ssrc, Index::Rtcp(word), &associated, &mut bytes, &mut made)
            .unwrap();
        assert_eq!(bytes, hex(cipher_text));
        assert_eq!(made[..], hex(tag));
    }
}

/// RFC 3711 appendix B.2: 1 044 512 bytes of key stream, of which the first and the last three blocks are given.
#[test]
fn counter_mode_gives_the_key_stream_of_the_standard() {
    let mut salt = Zeroizing::new([0; 14]);
    salt.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    let counter_mode = CounterMode::new(&hex("2B7E151628AED2A6ABF7158809CF4F3C"), salt, &[]).unwrap();
    let mut stream = vec![0; 1_044_512];
    counter_mode.apply(0, Index::Rtp(0), &mut stream).unwrap();
    let first = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB \
                 41E95B3BB0A2E8DD477901E4FCA894C0";
    let last = "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE \
                6A2CC3787889374FBEB4C81B17BA6C44";
    assert_eq!(stream[..48], hex(first));
    assert_eq!(stream[stream.len() - 48..], hex(last));
}

/// RFC 2202 §3, cases 1, 2 and 6, cut to 80 bits. The tag's suffix is the message's last four bytes.
#[test]
fn tags_are_those_of_the_standard() {
    let vectors: [(&[u8], &[u8], &str); 3] = [
        (&[0x0b; 20], b"Hi There", "b617318655057264e28b"),
        (b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d274"),
        (
            &[0xaa; 80],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e9570",
        ),
    ];
    for (secret, message, expected) in vectors {
        let counter_mode = CounterMode::new(&[0; 16], Zeroizing::new([0; 14]), secret).unwrap();
        let (packet, suffix) = message.split_last_chunk::<4>().unwrap();
        let suffix = u32::from_be_bytes(*suffix);
        // The key's state is used again and again.
        for _ in 0..2 {
            assert_eq!(counter_mode.tag(packet, suffix)[..], hex(expected));
        }
        counter_mode.verify(packet, suffix, &hex(expected)).unwrap();
        for wrong in ["", "00", "b617318655057264e28c", "b617318655057264e28b00"] {
            let verdict = counter_mode.verify(packet, suffix, &hex(wrong));
            assert_eq!(verdict, Err(SrtpError::Unauthentic), "{wrong}");
        }
    }
}

/// Every part of index and SSRC changes the initialisation vector.
#[test]
fn different_packets_have_different_vectors() {
    let gcm = gcm(16);
    let nonce = |ssrc, index| *gcm.nonce(ssrc, index).as_ref();
    let mut seen = std::collections::BTreeSet::new();
    for bit in 0..32 {
        assert!(seen.insert(nonce(1 << bit, Index::Rtp(0))));
    }
    for bit in 0..48 {
        assert!(seen.insert(nonce(0, Index::Rtp(1 << bit))));
    }
    assert!(seen.insert(nonce(0, Index::Rtp(0))));
    // RFC 7714 §9.1: the bit for encryption is no part of it.
    assert_eq!(nonce(7, Index::Rtcp(ENCRYPTED | 5)), nonce(7, Index::Rtcp(5)));
}
