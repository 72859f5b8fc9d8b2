//! What the generator's clients send: frames that look like an encoder's to a server, and carry a stamp for the sink.

mod profile;
mod source;
mod stamp;
mod vp8;

pub use profile::{AudioProfile, LayerProfile, VideoProfile};
pub use source::{AudioSource, Outgoing, Source, VideoSource};
pub use stamp::Stamp;
pub use vp8::{PICTURE_IDS, Vp8Descriptor};
