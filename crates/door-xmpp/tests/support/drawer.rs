//! A store of a test's own.

use std::path::PathBuf;

use tertulia_model::RoomName;
use tertulia_people::{
    Account, AccountId, HashCost, LoginName, MeetingDefaults, OwnedRoom, Password, RoomDetails,
};
use tertulia_store::{Place, Store};

const CHEAP: HashCost = HashCost {
    memory_kib: 64,
    passes: 1,
};

/// It goes with its folder.
pub struct Drawer {
    folder: PathBuf,
    pub store: Store,
}

impl Drawer {
    pub async fn open() -> Self {
        let folder = std::env::temp_dir().join(format!("tertulia-door-xmpp-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&folder).unwrap();
        let store = Store::open(&Place::Directory(folder.clone())).await.unwrap();
        Self { folder, store }
    }

    /// Makes `weekly` somebody's.
    pub async fn own_weekly(&self, starts_without_owner: bool, password: Option<&str>) {
        let owner = Account {
            id: AccountId::from_random(7),
            login: LoginName::parse("olga").unwrap(),
            display_name: "Olga".to_owned(),
            email: None,
            admin: false,
            disabled: false,
            password: None,
            external: None,
            created_at_ms: 1,
        };
        self.store.add_account(&owner).await.unwrap();
        let password = password.map(|text| Password::new(text).unwrap().hash(1, CHEAP).unwrap());
        let room = OwnedRoom {
            name: RoomName::parse("weekly").unwrap(),
            owner: owner.id,
            details: RoomDetails {
                starts_without_owner,
                defaults: MeetingDefaults::default(),
                ..RoomDetails::default()
            },
            password,
            created_at_ms: 1,
        };
        self.store.add_room(&room, 10).await.unwrap();
    }
}

impl Drop for Drawer {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
