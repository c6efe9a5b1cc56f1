//! The address of the page as a [`Route`].

use gloo_events::EventListener;
use yew::prelude::*;

use crate::state::route::Route;

/// The route now; the component is rendered anew when the address changes, whoever changed it.
#[hook]
pub fn use_route() -> Route {
    let route = use_state_eq(current);
    let setter = route.setter();
    use_effect_with((), move |()| {
        let listener =
            web_sys::window().map(|window| EventListener::new(&window, "hashchange", move |_| setter.set(current())));
        move || drop(listener)
    });
    (*route).clone()
}

/// Changes the address, as a click on a link would.
pub fn go_to(route: &Route) {
    if let Some(window) = web_sys::window() {
        // Refused only for addresses that cannot be parsed, which a fragment never causes.
        let _ = window.location().set_hash(&route.to_fragment());
    }
}

fn current() -> Route {
    let fragment = web_sys::window().and_then(|window| window.location().hash().ok());
    Route::parse(&fragment.unwrap_or_default())
}
