use tertulia_model::Source;

/// What a participant may do, as granted by their token and changed by moderators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// May receive tracks.
    pub can_subscribe: bool,
    /// May publish tracks.
    pub can_publish: bool,
    /// May send data, chat, hands and reactions.
    pub can_publish_data: bool,
    /// The sources that may be published; empty means all.
    pub publish_sources: Vec<Source>,
    /// May change the own name, metadata and attributes.
    pub can_update_own_metadata: bool,
    /// Is not shown to other participants.
    pub hidden: bool,
    /// Is a recorder.
    pub recorder: bool,
    /// Is an agent and may speak for others in transcriptions.
    pub agent: bool,
    /// May receive metrics of others.
    pub can_subscribe_metrics: bool,
    /// May administer this room (mute, remove, update, end).
    pub room_admin: bool,
}

impl Permission {
    /// What an ordinary participant gets.
    pub fn ordinary() -> Self {
        Self {
            can_subscribe: true,
            can_publish: true,
            can_publish_data: true,
            publish_sources: Vec::new(),
            can_update_own_metadata: true,
            hidden: false,
            recorder: false,
            agent: false,
            can_subscribe_metrics: false,
            room_admin: false,
        }
    }

    /// Whether a track of `source` may be published.
    pub fn allows_source(&self, source: Source) -> bool {
        self.can_publish && (self.publish_sources.is_empty() || self.publish_sources.contains(&source))
    }
}
