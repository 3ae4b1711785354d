/**
 * Messages between browser and server, as `messages.py` has them; a test compares.
 *
 * @typedef {{t: number, x: number, y: number}} Point
 * @typedef {{step: number, on: number, off: number, frames: number}} Shown
 * @typedef {{screen: number[], inner: number[], dpr: number, coarse: boolean, hover: boolean, touch_points: number, frame_ms: number, clock_step_ms: number}} DeviceFacts
 * @typedef {{v: number, platform: string, parameters: Record<string, string>, language: string, session: string, visit: string, device: DeviceFacts}} Enter
 * @typedef {{v: number, session: string, phase: string, language: string, languages: Record<string, string>, direction: "ltr"|"rtl", consent_version: string, title: string, contact: string, minutes: number, tasks: number, devices: string[], test: boolean, problem: string, pace: "timed"|"self_paced"|"live"}} Entered
 * @typedef {{v: number, language: string, direction: "ltr"|"rtl", texts: Record<string, string|string[]>}} Texts
 * @typedef {{show: "image"|"target", ms: number, click: "none"|"ignored"|"wanted", limit_ms: number}} Step
 * @typedef {{url: string, w: number, h: number}} Picture
 * @typedef {{picture: Picture|null, text: string, language: string}} Target
 * @typedef {{kind: "task", v: number, assignment: string, token: string, lease_s: number, pace: "timed"|"self_paced"|"live", mode: string, ask: "object"|"missing"|"excess", steps: Step[], image: Picture, target: Target, practice: boolean, done: number, of: number, preload: string[], most_clicks: number}} Task
 * @typedef {{kind: "pause", v: number, done: number, of: number, block: number, blocks: number}} Pause
 * @typedef {{kind: "finish", v: number, ending: string, code: string, url: string, proof: string, done: number}} Finish
 * @typedef {{v: number, open: boolean, lease_s: number}} HeartbeatAnswer
 * @typedef {{v: number, client_id: string, assignment: string, token: string, reason: "tiny"|"assets"|"time"|"hidden"|"resized"|"person"}} Void
 * @typedef {{v: number, client_id: string, assignment: string, token: string, uv: number[], down: Point, up: Point, rect: number[], pointer: string, primary: boolean, contact: number[], trusted: boolean, shown: Shown[], enabled_t: number, hidden_ms: number, resized: boolean, early_clicks: number, loaded_ms: number, target_views: number, device: DeviceFacts, viewport: number[], orientation: "portrait"|"landscape"}} ClickEvent
 * @typedef {{good: boolean, reasons: string[]}} Feedback
 * @typedef {{v: number, client_id: string, stored: string, feedback: Feedback|null, done: number, of: number}} ClickAnswer
 * @typedef {{v: number, client_id: string, assignment: string, token: string, number: number, act: "click"|"undo"|"done"|"give_up", positive: boolean, uv: number[]|null, t: number, shown_t: number, pointer: string, rect: number[], hidden_ms: number, device: DeviceFacts}} LiveEvent
 * @typedef {{v: number, client_id: string, number: number, clicks: number, mask: string, w: number, h: number, machine_ms: number, ended: boolean}} LiveAnswer
 * @typedef {{v: number, erased: number, url: string, code: string}} Withdrawn
 * @typedef {{v: number, problem: string, detail: string, retry: boolean}} Problem
 */
export const VERSION = 1;
