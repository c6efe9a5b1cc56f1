//! The address of the page as a [`Route`].

use client::route::Route;
use gloo_events::EventListener;
use yew::prelude::*;

use crate::js;

/// The route now; the component is rendered anew when the address changes, whoever changed it.
#[hook]
pub fn use_route() -> Route {
    let setter = use_state_eq(current).setter();
    use_effect_with((), move |()| {
        let listener = EventListener::new(&js::window(), "hashchange", move |_| setter.set(current()));
        move || drop(listener)
    });
    // The event comes a moment after the change: what is drawn in between would go back to the room that was left.
    current()
}

/// Changes the address, as a click on a link would.
pub fn go_to(route: &Route) {
    // Refused only for addresses that cannot be parsed, which a fragment never causes.
    let _ = js::window().location().set_hash(&route.to_fragment());
}

/// The route that the address has at this moment.
#[must_use]
pub fn current() -> Route {
    Route::parse(&js::window().location().hash().unwrap_or_default())
}
