//! What a client wants to see, and how large.

use std::collections::BTreeMap;

use serde::Deserialize;
use tertulia_model::{TrackId, VideoSize};
use tertulia_room::TrackSettings;

/// Entries of one message that are looked at.
const MAX_NAMED: usize = 200;

/// A message of constraints; what is absent stays as it was.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiverVideoConstraints {
    last_n: Option<i32>,
    selected_sources: Option<Vec<String>>,
    on_stage_sources: Option<Vec<String>>,
    default_constraints: Option<Constraint>,
    constraints: Option<BTreeMap<String, Constraint>>,
}

/// How large one source is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Constraint {
    /// Below zero for any.
    #[serde(default)]
    max_height: i32,
    max_frame_rate: Option<f64>,
}

/// What a client wants in all. Nothing is limited before it says something.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    last_n: Option<usize>,
    selected: Vec<String>,
    on_stage: Vec<String>,
    default: Option<Constraint>,
    named: BTreeMap<String, Constraint>,
    said: bool,
}

/// A picture there is to see: its track, its name as a source, and whether its owner spoke lately, the latest first.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub track: TrackId,
    pub name: String,
    pub spoke: Option<usize>,
}

/// Reads a message of constraints, and works out what it means for one picture.
pub(crate) fn read_constraints(text: &str) -> Vec<(TrackId, TrackSettings)> {
    let Ok(message) = serde_json::from_str(text) else {
        return Vec::new();
    };
    let mut constraints = Constraints::default();
    constraints.take(message);
    constraints.settings(&[Picture {
        track: TrackId::from_random(1),
        name: "a11e0794-v0".to_owned(),
        spoke: None,
    }])
}

impl Constraints {
    /// Takes a message.
    pub(crate) fn take(&mut self, message: ReceiverVideoConstraints) {
        self.said = true;
        if let Some(last_n) = message.last_n {
            self.last_n = usize::try_from(last_n).ok();
        }
        let bounded = |names: Vec<String>| names.into_iter().take(MAX_NAMED).collect();
        if let Some(selected) = message.selected_sources {
            self.selected = bounded(selected);
        }
        if let Some(on_stage) = message.on_stage_sources {
            self.on_stage = bounded(on_stage);
        }
        if let Some(default) = message.default_constraints {
            self.default = Some(default);
        }
        if let Some(named) = message.constraints {
            self.named = named.into_iter().take(MAX_NAMED).collect();
        }
    }

    /// How each picture is wanted; nothing while the client has not said.
    pub(crate) fn settings(&self, pictures: &[Picture]) -> Vec<(TrackId, TrackSettings)> {
        if !self.said {
            return Vec::new();
        }
        // On the stage, selected, then who spoke last.
        let rank = |picture: &Picture| {
            let on_stage = self.on_stage.iter().position(|name| *name == picture.name);
            let selected = self.selected.iter().position(|name| *name == picture.name);
            match (on_stage, selected, picture.spoke) {
                (Some(place), _, _) => (0, place),
                (_, Some(place), _) => (1, place),
                (_, _, Some(place)) => (2, place),
                _ => (3, 0),
            }
        };
        let mut order: Vec<&Picture> = pictures.iter().collect();
        order.sort_by_key(|picture| rank(picture));
        let mut left = self.last_n.unwrap_or(usize::MAX);
        let mut settings = Vec::new();
        for picture in order {
            let constraint = self.named.get(&picture.name).copied().or(self.default);
            let height = constraint.map_or(-1, |constraint| constraint.max_height);
            let shown = height != 0 && left > 0;
            left = left.saturating_sub(usize::from(shown));
            let fps = constraint
                .and_then(|constraint| constraint.max_frame_rate)
                .filter(|fps| (1.0..=240.0).contains(fps));
            settings.push((
                picture.track.clone(),
                TrackSettings {
                    disabled: !shown,
                    quality: None,
                    size: u32::try_from(height).ok().filter(|height| *height > 0).map(size),
                    fps: fps.map(|fps| fps as u32),
                    priority: match rank(picture).0 {
                        0 => 3,
                        1 => 2,
                        _ => 1,
                    },
                },
            ));
        }
        settings
    }
}

/// The picture of that height. Clients speak of heights alone, and mean the common ratio.
fn size(height: u32) -> VideoSize {
    let height = height.min(4_320);
    VideoSize {
        width: height * 16 / 9,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(number: u64, spoke: Option<usize>) -> Picture {
        Picture {
            track: TrackId::from_random(number),
            name: format!("s{number}"),
            spoke,
        }
    }

    fn shown(constraints: &Constraints, pictures: &[Picture]) -> Vec<(String, Option<u32>)> {
        let name = |track: &TrackId| {
            let mut known = pictures.iter();
            known
                .find(|picture| picture.track == *track)
                .unwrap()
                .name
                .clone()
        };
        constraints
            .settings(pictures)
            .iter()
            .filter(|(_, settings)| !settings.disabled)
            .map(|(track, settings)| (name(track), settings.size.map(|size| size.height)))
            .collect()
    }

    fn message(text: &str) -> ReceiverVideoConstraints {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_stage_comes_first_and_the_last_n_are_kept() {
        let pictures = [
            picture(1, None),
            picture(2, Some(0)),
            picture(3, None),
            picture(4, Some(1)),
        ];
        let mut constraints = Constraints::default();
        assert!(constraints.settings(&pictures).is_empty());
        constraints.take(message(
            r#"{"lastN":3,"selectedSources":[],"onStageSources":["s3"],"defaultConstraints":{"maxHeight":180},
                "constraints":{"s3":{"maxHeight":720}},"assumedBandwidthBps":-1}"#,
        ));
        let expected = [
            ("s3".to_owned(), Some(720)),
            ("s2".to_owned(), Some(180)),
            ("s4".to_owned(), Some(180)),
        ];
        assert_eq!(shown(&constraints, &pictures), expected);
        // What is absent stays.
        constraints.take(message(r#"{"lastN":1}"#));
        assert_eq!(shown(&constraints, &pictures), expected[..1]);
        constraints.take(message(r#"{"lastN":-1,"defaultConstraints":{"maxHeight":0}}"#));
        assert_eq!(shown(&constraints, &pictures), expected[..1]);
        constraints.take(message(
            r#"{"constraints":{"s3":{"maxHeight":-1,"maxFrameRate":15.0}}}"#,
        ));
        assert_eq!(shown(&constraints, &pictures), [("s3".to_owned(), None)]);
        let fps = constraints.settings(&pictures)[0].1.fps;
        assert_eq!(fps, Some(15));
    }
}
