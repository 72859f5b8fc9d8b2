//! Header extensions of our own making: the AV1 dependency descriptor, kept byte for byte, and a transport-wide
//! sequence number that is read but never written.

use std::sync::Arc;

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues};

/// Longest descriptor carried; the longest that fits one header extension of the two-byte form (RFC 8285 §4.3).
const MAX_LEN: usize = 255;
/// Longest value of the one-byte form.
const MAX_ONE_BYTE_LEN: usize = 16;

/// The bytes, as they lie in a packet's extension values.
#[derive(Debug, Clone)]
pub(crate) struct DescriptorBytes(pub(crate) Arc<[u8]>);

#[derive(Debug)]
struct Descriptor;

/// The dependency descriptor, to put into a map of extensions.
pub(crate) fn dependency_descriptor() -> Extension {
    Extension::with_serializer(tertulia_model::Extension::DependencyDescriptor.uri(), Descriptor)
}

impl ExtensionSerializer for Descriptor {
    fn write_to(&self, buf: &mut [u8], ev: &ExtensionValues) -> usize {
        let Some(DescriptorBytes(bytes)) = ev.user_values.get::<DescriptorBytes>() else {
            return 0;
        };
        let Some(target) = buf.get_mut(..bytes.len()) else {
            return 0;
        };
        if bytes.len() > MAX_LEN {
            return 0;
        }
        target.copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buf: &[u8], ev: &mut ExtensionValues) -> bool {
        if buf.is_empty() {
            return false;
        }
        ev.user_values.set(DescriptorBytes(buf.into()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, ev: &ExtensionValues) -> bool {
        ev.user_values
            .get::<DescriptorBytes>()
            .is_some_and(|DescriptorBytes(bytes)| (MAX_ONE_BYTE_LEN + 1..=MAX_LEN).contains(&bytes.len()))
    }
}

#[derive(Debug)]
struct ReceivedTransportCc;

/// The transport-wide sequence number, read only: what arrives is reported, what we send has none.
pub(crate) fn received_transport_cc() -> Extension {
    Extension::with_serializer(tertulia_model::Extension::TransportCc.uri(), ReceivedTransportCc)
}

impl ExtensionSerializer for ReceivedTransportCc {
    fn write_to(&self, _buf: &mut [u8], _ev: &ExtensionValues) -> usize {
        0
    }

    fn parse_value(&self, buf: &[u8], ev: &mut ExtensionValues) -> bool {
        let Some(bytes) = buf.first_chunk::<2>() else {
            return false;
        };
        ev.transport_cc = Some(u16::from_be_bytes(*bytes));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        true
    }
}
