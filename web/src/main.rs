//! Mounts the app.

fn main() {
    web::app::mount();
}
