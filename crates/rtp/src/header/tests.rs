use super::*;

#[test]
fn a_plain_header_is_read() {
    let packet = [0x80, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4, 0xaa, 0xbb];
    let header = RtpHeader::parse(&packet).unwrap();
    assert_eq!((header.payload_type, header.marker), (96, true));
    assert_eq!(
        (header.sequence, header.timestamp, header.ssrc),
        (0x1234, 9, 0x0102_0304)
    );
    assert_eq!(header.payload_range(), 12..14);
    assert!(!header.padding);
}
