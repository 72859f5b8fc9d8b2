//! A store of a test's own, with rooms in it.

#[path = "../../../store/tests/kept/drawer.rs"]
mod empty;

use tertulia_model::RoomName;
use tertulia_people::{
    Account, AccountId, HashCost, LoginName, MeetingDefaults, OwnedRoom, Password, RoomDetails,
};
use tertulia_store::Store;

const CHEAP: HashCost = HashCost {
    memory_kib: 64,
    passes: 1,
};

/// A store in which a room can be somebody's.
pub struct Drawer(empty::Drawer);

impl Drawer {
    pub async fn open() -> Self {
        Self(empty::Drawer::open().await)
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Gives Olga a password, once she has an account.
    pub async fn let_olga_sign_in(&self, password: &str) {
        let olga = LoginName::parse("olga").unwrap();
        let mut account = self.0.store.account_by_login(&olga).await.unwrap().unwrap();
        account.password = Some(Password::new(password).unwrap().hash(2, CHEAP).unwrap());
        assert!(self.0.store.change_account(&account).await.unwrap());
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
        self.0.store.add_account(&owner).await.unwrap();
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
        self.0.store.add_room(&room, 10).await.unwrap();
    }
}
