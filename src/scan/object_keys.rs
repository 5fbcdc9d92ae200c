//! Finds the keys in one object: plain, encoded, or in a container.

use std::sync::Arc;

use super::Settings;
use super::contents::{Contents, may_be_container};
use super::searched::SearchResult;
use crate::container::Input;
use crate::model::DetectedKey;

/// A key in an object.
#[derive(Clone, Debug)]
pub struct KeyInObject {
    /// The key.
    pub detected_key: Arc<DetectedKey>,
    /// Whether it is in an entry of a container, so that its position in the object is unknown.
    pub is_in_container: bool,
}

/// Searches single objects, including containers. Each thread has one.
pub struct ObjectKeys<'d> {
    contents: Contents<'d>,
}

impl<'d> ObjectKeys<'d> {
    /// Searches with these settings.
    pub fn new(settings: &Settings<'d>) -> Self {
        Self { contents: Contents::new(settings) }
    }

    /// The keys in an object that is or contains a container, including those outside of the container.
    pub fn find_in_containers(&mut self, object: &[u8]) -> Vec<KeyInObject> {
        if !may_be_container(object) {
            return Vec::new();
        }
        let mut searched = SearchResult::default();
        // Reading from memory cannot fail.
        let _ = self.contents.search(Input::Bytes(object), Vec::new, &mut searched);
        let located = searched.secrets.into_parts().0.into_iter();
        located
            .map(|one| KeyInObject {
                is_in_container: !one.container_names.is_empty(),
                detected_key: one.detected_key,
            })
            .collect()
    }
}
