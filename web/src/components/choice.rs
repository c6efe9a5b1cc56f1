//! Settings of this browser, as groups of radio buttons.

use client::words::page;
use yew::prelude::*;

use super::{
    element::{element, words},
    later::Fold,
};
use crate::{
    appearance::{self, Setting},
    later::Part,
};

/// Properties of [`Choice`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct ChoiceProps {
    /// What can be chosen.
    pub setting: Setting,
}

/// A group of radio buttons. What is marked is what the browser keeps.
#[component]
pub fn Choice(props: &ChoiceProps) -> Html {
    let (setting, update) = (props.setting, use_force_update());
    let kept = appearance::get(setting);
    let option = |&(value, label): &(&'static str, &'static str)| {
        let update = update.clone();
        let onchange = Callback::from(move |_: Event| {
            appearance::set(setting, value);
            update.force_update();
        });
        html! {
            <label>
                <input type="radio" name={setting.key()} checked={kept == value} {onchange} />
                { label }
            </label>
        }
    };
    let options = setting.options().iter().map(option);
    element(
        "fieldset",
        "choice",
        html! { <>{ words("legend", setting.title()) }{ for options }</> },
    )
}

/// [The ways](later_reach), folded up.
pub fn reach_folded() -> Html {
    let content = Callback::from(later_reach);
    html! { <Fold class="privacy" title={page::PRIVACY} {content} /> }
}

/// By what way others reach the page, and what each way costs.
#[inline(never)]
pub fn later_reach(_: Part) -> Html {
    html! {
        <>
            <Choice setting={Setting::Reach} />
            <p class="aside">{ page::REACH_HELP }</p>
        </>
    }
}
