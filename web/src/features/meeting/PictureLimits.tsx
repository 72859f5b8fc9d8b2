import '../../i18n/englishLater';
import { useTranslation } from 'react-i18next';
import type { Rules } from '../../api/meeting';
import { Select } from '../../ui';

type Limits = Rules['media'];

/** Greatest height of a camera's picture, in lines. */
const heights = ['', '1080', '720', '360', '180'] as const;
const rates = ['', '60', '30', '15'] as const;
const codecs = ['', 'av1', 'vp9', 'h264', 'vp8'] as const;
/** They are called the same everywhere. */
const codecNames = { av1: 'AV1', vp9: 'VP9', h264: 'H.264', vp8: 'VP8' };

interface PictureLimitsProps {
  limits: Limits;
  onChange(limits: Limits): void;
}

/** What the cameras of a room may send: for a meeting, or for all meetings of an owned room. */
export function PictureLimits({ limits, onChange }: PictureLimitsProps) {
  const { t } = useTranslation('settings');
  const chosen = <T extends string>(offered: readonly ['', ...T[]], value: unknown) =>
    offered.find((one) => one === String(value ?? '')) ?? offered[0];
  const number = (text: string) => (text === '' ? null : Number(text));
  return (
    <>
      <Select
        label={t('limits.size')}
        value={chosen(heights, limits.maxHeight)}
        options={heights.map((value) => ({
          value,
          label: value === '' ? t('limits.noLimit') : t('limits.lines', { count: Number(value) }),
        }))}
        onChange={(height) => onChange({ ...limits, maxHeight: number(height) })}
      />
      <Select
        label={t('limits.rate')}
        value={chosen(rates, limits.maxFps)}
        options={rates.map((value) => ({
          value,
          label: value === '' ? t('limits.usual') : t('limits.frames', { count: Number(value) }),
        }))}
        onChange={(rate) => onChange({ ...limits, maxFps: number(rate) })}
      />
      <Select
        label={t('limits.codec')}
        hint={t('limits.codecHint')}
        value={chosen(codecs, limits.videoCodecs[0])}
        options={codecs.map((value) => ({
          value,
          label: value === '' ? t('limits.anyCodec') : codecNames[value],
        }))}
        onChange={(codec) => onChange({ ...limits, videoCodecs: codec === '' ? [] : [codec] })}
      />
    </>
  );
}
