export { type BrowserFamily, browserFamily, canCall, isSecure } from './browser';
export {
  type Captured,
  type CaptureKind,
  type CaptureProblem,
  type CaptureWish,
  capture,
  captureProblem,
  permissionFor,
} from './capture';
export {
  browserMediaDevices,
  type Device,
  type DeviceKind,
  type DeviceList,
  findDevice,
  listDevices,
  newDevices,
  noDevices,
  watchDevices,
} from './devices';
export { levelOf, measureLevel } from './level';
export {
  type DevicePhase,
  type DeviceState,
  Preview,
  type PreviewNotice,
  type PreviewState,
} from './preview';
export { canChooseSpeaker, playTestSound } from './testSound';
export { useDevices } from './useDevices';
export { useLevel } from './useLevel';
