//! Starling's mark: a flock that turns, seen from afar as one wing.

use yew::prelude::*;

/// The mark, a decoration beside the name.
pub fn mark() -> Html {
    html! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path class="mark-a" d="M3 21C8 8 17 3 29 4c-3 1-5 3-6.500 6C20 7.500 9 10 3 21Z" />
            <path class="mark-b" d="M7 23.500C12 14 18 11 24.500 12.500c-2.500.600-4 2-5.200 4.500-2-1.500-8 0-12.300 6.500Z" />
            <path class="mark-c" d="M12 26c2.500-5 6-7.500 10-7-2 .600-3 1.800-3.800 3.600-1.300-.800-4 .200-6.200 3.400Z" />
        </svg>
    }
}
