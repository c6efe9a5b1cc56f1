//! What the lint is told: the browsers that the page has to work in, where a lack has a way round, and
//! what names in programs mean.

use super::data::Engine;

/// The oldest versions that the page has to work in.
///
/// Safari 16.4 is what README promises. Firefox 140 is the extended support release before the current one. Chromium 131 came out on
/// 2024-11-12: two years before the data's version.
pub(super) const ENGINES: [Engine; 5] = [
    Engine {
        name: "Safari 16.4",
        browser: "safari",
        version: "16.4",
    },
    Engine {
        name: "Safari 16.4 on iOS",
        browser: "safari_ios",
        version: "16.4",
    },
    Engine {
        name: "Firefox 140 ESR",
        browser: "firefox",
        version: "140",
    },
    Engine {
        name: "Chromium 131",
        browser: "chrome",
        version: "131",
    },
    Engine {
        name: "Chromium 131 on Android",
        browser: "chrome_android",
        version: "131",
    },
];

/// What makes a lack bearable.
#[derive(Debug)]
pub(super) enum WayRound {
    /// Code of ours looks whether the browser has the feature: the file, and a piece of the code that looks.
    Checked { file: &'static str, code: &'static str },
    /// The glue script looks: a piece of its code.
    CheckedInGlue { code: &'static str },
    /// The page works without, and nothing looks.
    Enhancement,
}

/// A use that may stay although an engine lacks the feature.
#[derive(Debug)]
pub(super) struct Allowed {
    /// The path in the data. The entry is for all below that path, too.
    pub(super) feature: &'static str,
    pub(super) way_round: WayRound,
    /// What happens where the feature is missing. Without a full stop.
    pub(super) reason: &'static str,
}

/// All such uses. One that is not needed any more, or whose check is gone, fails the lint.
pub(super) const ALLOWED: &[Allowed] = &[
    Allowed {
        feature: "api.CompositionEvent.locale",
        way_round: WayRound::Checked {
            file: "web/src/components/day.rs",
            code: "js::field(&format.resolved_options(), \"locale\")",
        },
        reason: "it is the one of a date's format; without it the language of a date is not told",
    },
    Allowed {
        feature: "api.HTMLInputElement.webkitdirectory",
        way_round: WayRound::Checked {
            file: "web/src/folder.rs",
            code: "!js::is_touched() && input.is_ok_and(|input| field(&input, \"webkitdirectory\").is_some())",
        },
        reason: "the menu has no \"Send a folder\" on a phone",
    },
    Allowed {
        feature: "api.KeyboardEvent.isComposing",
        way_round: WayRound::Checked {
            file: "web/src/components/composer.rs",
            code: "event.is_composing() || event.key_code() == 229",
        },
        reason: "the code 229 of the key says the same",
    },
    Allowed {
        feature: "api.Navigator.setAppBadge",
        way_round: WayRound::Checked {
            file: "web/src/js.rs",
            code: "field(&navigator, \"setAppBadge\")",
        },
        reason: "the number of unread messages is in the title alone",
    },
    Allowed {
        feature: "api.Navigator.share",
        way_round: WayRound::Checked {
            file: "web/src/js.rs",
            code: "field(&window().navigator(), \"share\")?",
        },
        reason: "the button \"Share\" is not there; \"Copy link\" is",
    },
    Allowed {
        feature: "api.Notification",
        way_round: WayRound::Checked {
            file: "web/src/telling.rs",
            code: "js::field(&js::window(), \"Notification\").is_none()",
        },
        reason: "there are no notifications, and whoever wants some is told; where only a worker shows them, it does",
    },
    Allowed {
        feature: "api.ServiceWorkerGlobalScope.notificationclick_event",
        way_round: WayRound::Enhancement,
        reason: "a click on a notification leads where the system likes",
    },
    Allowed {
        feature: "api.ServiceWorkerRegistration.showNotification",
        way_round: WayRound::Enhancement,
        reason: "a click opens the start page, or the next notification makes no sound",
    },
    Allowed {
        feature: "api.StorageAccessHandle.estimate",
        way_round: WayRound::Checked {
            file: "web/src/js.rs",
            code: "field(&storage, \"estimate\")?",
        },
        reason: "how much space is left is not told",
    },
    Allowed {
        feature: "api.TrustedTypePolicyFactory.createPolicy",
        way_round: WayRound::Checked {
            file: "index.html",
            code: "globalThis.trustedTypes?.createPolicy(",
        },
        reason: "the server's policy asks nothing of the kind of such a browser",
    },
    Allowed {
        feature: "api.Window.beforeunload_event",
        way_round: WayRound::Enhancement,
        reason: "a page that has something to lose is left without a question; drafts come back",
    },
    Allowed {
        feature: "api.Window.requestIdleCallback",
        way_round: WayRound::Checked {
            file: "web/src/js.rs",
            code: "field(&window(), \"requestIdleCallback\")",
        },
        reason: "what comes later is asked for a moment after the first paint",
    },
    Allowed {
        feature: "api.trustedTypes",
        way_round: WayRound::Checked {
            file: "index.html",
            code: "globalThis.trustedTypes?.createPolicy(",
        },
        reason: "the server's policy asks nothing of the kind of such a browser",
    },
    Allowed {
        feature: "css.properties.accent-color",
        way_round: WayRound::Enhancement,
        reason: "a checked radio button has less contrast, and keeps its form",
    },
    Allowed {
        feature: "css.properties.contain-intrinsic-size",
        way_round: WayRound::Enhancement,
        reason: "all emoji are laid out at once, which takes a moment longer",
    },
    Allowed {
        feature: "css.properties.content-visibility",
        way_round: WayRound::Enhancement,
        reason: "all emoji are laid out at once, which takes a moment longer",
    },
    Allowed {
        feature: "css.properties.cursor",
        way_round: WayRound::Enhancement,
        reason: "there is no cursor on a touch screen",
    },
    Allowed {
        feature: "css.properties.forced-color-adjust",
        way_round: WayRound::Enhancement,
        reason: "Safari forces no colours",
    },
    Allowed {
        feature: "css.properties.overscroll-behavior",
        way_round: WayRound::Enhancement,
        reason: "a list that is too short to scroll hands the gesture on",
    },
    Allowed {
        feature: "css.properties.resize",
        way_round: WayRound::Enhancement,
        reason: "no text box can be resized on a touch screen",
    },
    Allowed {
        feature: "css.properties.scrollbar-color",
        way_round: WayRound::Enhancement,
        reason: "the scroll bar has the system's colours",
    },
    Allowed {
        feature: "css.properties.scrollbar-width",
        way_round: WayRound::Enhancement,
        reason: "the scroll bar has the system's width",
    },
    Allowed {
        feature: "css.properties.text-size-adjust",
        way_round: WayRound::Enhancement,
        reason: "browsers of desktops leave the size of text alone",
    },
    Allowed {
        feature: "css.properties.text-wrap",
        way_round: WayRound::Enhancement,
        reason: "a heading of two lines breaks where the first line is full",
    },
    Allowed {
        feature: "html.elements.dialog.closedby",
        way_round: WayRound::Enhancement,
        reason: "Escape and the dialog's own buttons close it, and the menu a handler of clicks beside it",
    },
    Allowed {
        feature: "html.elements.link.rel.icon",
        way_round: WayRound::Enhancement,
        reason: "the tab has no icon",
    },
    Allowed {
        feature: "html.elements.link.rel.manifest",
        way_round: WayRound::Enhancement,
        reason: "the page cannot be installed",
    },
    Allowed {
        feature: "html.elements.link.rel.modulepreload",
        way_round: WayRound::Enhancement,
        reason: "the script is loaded a moment later, when it is imported",
    },
    Allowed {
        feature: "html.elements.meta.name.theme-color",
        way_round: WayRound::Enhancement,
        reason: "the browser's own bars keep their colour",
    },
    Allowed {
        feature: "html.elements.meta.name.viewport",
        way_round: WayRound::Enhancement,
        reason: "the window of a desktop is the viewport; on a phone, what is missing is only about the keyboard and the notch",
    },
    Allowed {
        feature: "javascript.builtins.ArrayBuffer.detached",
        way_round: WayRound::CheckedInGlue {
            code: "buffer.detached === undefined && cachedDataViewMemory0.buffer !== wasm.memory.buffer",
        },
        reason: "the buffer is compared with the memory's",
    },
];

/// The interfaces of values whose type no import names, in the language.
pub(super) const LANGUAGE: [&str; 10] = [
    "Array",
    "Error",
    "Function",
    "Map",
    "Number",
    "Object",
    "Promise",
    "RegExp",
    "String",
    "Uint8Array",
];

/// The interfaces of values in the helpers of the glue script.
pub(super) const GLUE: [&str; 5] = ["Request", "Response", "TextDecoder", "TextEncoder", "URL"];

/// The interfaces in a service worker.
pub(super) const WORKER: [&str; 10] = [
    "Cache",
    "CacheStorage",
    "ExtendableEvent",
    "ExtendableMessageEvent",
    "FetchEvent",
    "Location",
    "Request",
    "Response",
    "ServiceWorkerGlobalScope",
    "URL",
];

/// The interfaces in the worker that keeps files.
pub(super) const FILE_WORKER: [&str; 7] = [
    "DOMException",
    "DedicatedWorkerGlobalScope",
    "FileSystemDirectoryHandle",
    "FileSystemFileHandle",
    "FileSystemSyncAccessHandle",
    "StorageManager",
    "WorkerNavigator",
];

/// What the globals that are objects are.
pub(super) const INSTANCES: [(&str, &str); 11] = [
    ("caches", "CacheStorage"),
    ("console", "console"),
    ("crypto", "Crypto"),
    ("document", "Document"),
    ("history", "History"),
    ("indexedDB", "IDBFactory"),
    ("localStorage", "Storage"),
    ("location", "Location"),
    ("navigator", "Navigator"),
    ("performance", "Performance"),
    ("sessionStorage", "Storage"),
];

/// What Rust calls classes of the language otherwise.
pub(super) const CLASSES: [(&str, &str); 1] = [("JsString", "String")];

/// Operators that came late, with their keys in the data.
pub(super) const OPERATORS: [(&str, &str); 7] = [
    ("?.", "optional_chaining"),
    ("??", "nullish_coalescing"),
    ("??=", "nullish_coalescing_assignment"),
    ("||=", "logical_or_assignment"),
    ("&&=", "logical_and_assignment"),
    ("**", "exponentiation"),
    ("**=", "exponentiation_assignment"),
];
