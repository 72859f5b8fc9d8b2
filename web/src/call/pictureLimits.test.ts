import { describe, expect, it } from 'vitest';
import { pictureWithin, samePicture } from './pictureLimits';

const all = () => true;
const free = { maxHeight: null, maxFps: null, videoCodecs: [] };

describe('the picture a camera sends', () => {
  it('is what the person wants where the room says nothing', () => {
    const wanted = { resolution: { width: 1280, height: 720, frameRate: 30 } };
    expect(pictureWithin(720, undefined, all)).toEqual(wanted);
    expect(pictureWithin(720, free, all)).toEqual(wanted);
  });

  it('stays within what the room allows, and is never more than wanted', () => {
    const limits = { ...free, maxHeight: 360, maxFps: 15 };
    expect(pictureWithin(720, limits, all).resolution).toEqual({
      width: 640,
      height: 360,
      frameRate: 15,
    });
    const generous = { ...free, maxHeight: 1080, maxFps: 60 };
    expect(pictureWithin(720, generous, all).resolution.height).toBe(720);
    expect(pictureWithin(720, generous, all).resolution.frameRate).toBe(60);
  });

  it('is in the first of the codecs the room prefers that the browser writes', () => {
    const limits = { ...free, videoCodecs: ['av1', 'vp9'] };
    expect(pictureWithin(720, limits, all).codec).toBe('av1');
    expect(pictureWithin(720, limits, (codec) => codec === 'vp9').codec).toBe('vp9');
    expect(pictureWithin(720, limits, () => false).codec).toBeUndefined();
  });

  it('is another where size, rate or codec differ', () => {
    const picture = pictureWithin(720, free, all);
    expect(samePicture(picture, pictureWithin(720, { ...free, maxHeight: 1080 }, all))).toBe(true);
    expect(samePicture(picture, pictureWithin(720, { ...free, maxFps: 15 }, all))).toBe(false);
    expect(samePicture(picture, pictureWithin(720, { ...free, videoCodecs: ['av1'] }, all))).toBe(
      false,
    );
  });
});
