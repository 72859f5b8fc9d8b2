import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Action, type Shortcut, shortcutText } from '../../actions/registry';
import { usePreferences } from '../../media/preferences';
import { Sheet, Switch } from '../../ui';
import { useCall } from '../call/context';
import { isMac } from '../call/platform';
import { showPanel } from '../call/uiStore';
import styles from './HelpPanel.module.css';

const viewActions = new Set(['switchView', 'strip', 'fullscreen', 'pip', 'audioOnly', 'unpin']);

/** Every shortcut there is, and the switch for those of a single letter. */
export default function HelpPanel({ actions }: { actions: readonly Action[] }) {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const letters = usePreferences((state) => state.letterShortcuts);
  const set = usePreferences((state) => state.set);
  const listed = actions.filter(({ shortcuts }) => shortcuts.length > 0);
  const reactions = listed.filter(({ id }) => id.startsWith('react:'));
  const view = listed.filter(({ id }) => viewActions.has(id));
  const others = listed.filter((action) => !reactions.includes(action) && !view.includes(action));
  return (
    <Sheet title={t('help.title')} closeLabel={t('closePanel')} onClose={() => showPanel(ui, null)}>
      <Switch
        label={t('help.letters')}
        description={t('help.lettersHint')}
        checked={letters}
        onChange={(letterShortcuts) => set({ letterShortcuts })}
      />
      <Group title={t('help.groupCall')}>
        <Line
          label={t('action.pushToTalk')}
          note={t('help.pushToTalkHint')}
          keys={[[t('help.space')]]}
        />
        {others.map((action) => (
          <ActionLine key={action.id} label={action.label} shortcuts={action.shortcuts} />
        ))}
      </Group>
      <Group title={t('help.groupView')}>
        <Line label={t('action.pin')} keys={[['1'], ['9']]} range />
        {view.map((action) => (
          <ActionLine key={action.id} label={action.label} shortcuts={action.shortcuts} />
        ))}
      </Group>
      <Group title={t('help.groupReactions')}>
        {reactions.map((action) => (
          <ActionLine key={action.id} label={action.label} shortcuts={action.shortcuts} />
        ))}
      </Group>
    </Sheet>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.group}>
      <h3 className={styles.title}>{title}</h3>
      <dl>{children}</dl>
    </section>
  );
}

function ActionLine({ label, shortcuts }: { label: string; shortcuts: readonly Shortcut[] }) {
  return <Line label={label} keys={shortcuts.map((one) => shortcutText(one, isMac()))} />;
}

interface LineProps {
  label: string;
  note?: string;
  keys: readonly (readonly string[])[];
  /** The keys are the ends of a range. */
  range?: boolean;
}

function Line({ label, note, keys, range = false }: LineProps) {
  return (
    <div className={styles.line}>
      <dt>
        {label}
        {note ? <span className={styles.note}>{note}</span> : null}
      </dt>
      <dd>
        {keys.map((combination, index) => (
          <span key={combination.join('+')} className={styles.keys}>
            {range && index > 0 ? '–' : null}
            {combination.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>
        ))}
      </dd>
    </div>
  );
}
