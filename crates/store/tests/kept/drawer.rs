//! A store in a folder of a test's own. The tests of the doors take this file by its path.

use std::path::PathBuf;

use tertulia_store::{Place, Store};

/// It goes with its folder.
pub struct Drawer {
    pub folder: PathBuf,
    pub store: Store,
}

impl Drawer {
    pub async fn open() -> Self {
        let folder = std::env::temp_dir().join(format!("tertulia-drawer-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&folder).unwrap();
        let store = Store::open(&Place::Directory(folder.clone())).await.unwrap();
        Self { folder, store }
    }
}

impl Drop for Drawer {
    fn drop(&mut self) {
        // A test that ends in the middle of something leaves a folder that cannot go; that is no failure of it.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
