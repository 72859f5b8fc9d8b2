//! Has the crate compiled again when the web app was built again, since the app is embedded.

fn main() {
    // A path that does not exist counts as changed each time; its parent is watched instead, so that the folder's
    // coming is noticed too.
    let dist = std::path::Path::new("../../web/dist");
    if dist.is_dir() {
        println!("cargo::rerun-if-changed=../../web/dist");
    } else {
        println!("cargo::rerun-if-changed=../../web");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
