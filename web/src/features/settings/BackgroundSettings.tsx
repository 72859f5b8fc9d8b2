import { Ban, CircleDashed, CircleDot, ImagePlus } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  type Backdrop,
  backgroundChoices,
  customBackground,
  drawBackdrop,
  isBackdrop,
  keepCustomBackground,
} from '../../media/background/choices';
import { type BackgroundChoice, usePreferences } from '../../media/preferences';
import { Button, Icon } from '../../ui';
import styles from './BackgroundSettings.module.css';

const icons = { none: Ban, 'blur-light': CircleDashed, blur: CircleDot, custom: ImagePlus };

/** Chooses what is behind the person: as it is, blurred, a backdrop, or a picture of their own. */
export function BackgroundSettings() {
  const { t } = useTranslation('settings');
  const background = usePreferences((state) => state.background);
  const set = usePreferences((state) => state.set);
  const [own, setOwn] = useState(customBackground);
  const [failed, setFailed] = useState(false);
  const name = useId();
  const file = useRef<HTMLInputElement>(null);

  const take = async (chosen: File | undefined) => {
    if (!chosen) return;
    setFailed(false);
    try {
      await keepCustomBackground(chosen);
      setOwn(customBackground());
      // The choice may stand at "own picture" already; it is still another picture.
      set({ background: 'none' });
      set({ background: 'custom' });
    } catch {
      setFailed(true);
    }
  };

  const shown = backgroundChoices.filter((choice) => choice !== 'custom' || own !== null);
  return (
    <>
      <fieldset className={styles.picker}>
        <legend className={styles.legend}>{t('background.behind')}</legend>
        <div className={styles.choices}>
          {shown.map((choice) => (
            <label key={choice} className={styles.choice}>
              <input
                type="radio"
                className={styles.input}
                name={name}
                value={choice}
                checked={background === choice}
                onChange={() => set({ background: choice })}
              />
              <span className={styles.picture}>
                <Thumbnail choice={choice} own={own} />
              </span>
              <span className={styles.name}>{t(`background.${choice}`)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <input
        ref={file}
        type="file"
        accept="image/*"
        className="visually-hidden"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => void take(event.target.files?.[0])}
      />
      <Button icon={ImagePlus} onClick={() => file.current?.click()}>
        {t('background.choose')}
      </Button>
      {failed ? <p role="alert">{t('background.failed')}</p> : null}
      <p className={styles.note}>{t('background.note')}</p>
    </>
  );
}

function Thumbnail({ choice, own }: { choice: BackgroundChoice; own: string | null }) {
  if (choice === 'custom' && own) return <img src={own} alt="" className={styles.image} />;
  if (isBackdrop(choice)) return <BackdropPicture backdrop={choice} />;
  return <Icon icon={icons[choice as keyof typeof icons]} size={22} />;
}

function BackdropPicture({ backdrop }: { backdrop: Backdrop }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const paint = canvas.current?.getContext('2d');
    if (paint) drawBackdrop(paint, backdrop, 160, 90);
  }, [backdrop]);
  return <canvas ref={canvas} width={160} height={90} className={styles.image} />;
}
