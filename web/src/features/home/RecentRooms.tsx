import { History, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { pathOfRoom, useRecentRooms } from '../../api';
import { Icon, IconButton } from '../../ui';
import styles from './RecentRooms.module.css';
import { timeAgo } from './timeAgo';

/** The rooms this browser was in lately; each can be forgotten. */
export function RecentRooms() {
  const { t, i18n } = useTranslation('home');
  const rooms = useRecentRooms((state) => state.rooms);
  const remove = useRecentRooms((state) => state.remove);
  if (rooms.length === 0) return null;
  return (
    <section className={styles.recent} aria-labelledby="recent-rooms">
      <h2 id="recent-rooms" className={styles.title}>
        <Icon icon={History} size={16} />
        {t('recent')}
      </h2>
      <ul className={styles.list}>
        {rooms.slice(0, 4).map(({ name, at }) => (
          <li key={name} className={styles.room}>
            <a className={styles.link} href={pathOfRoom(name)}>
              <span className={styles.name}>{name}</span>
              <span className={styles.time}>{timeAgo(at, Date.now(), i18n.language)}</span>
            </a>
            <IconButton
              icon={X}
              size="sm"
              label={t('forget', { name })}
              onClick={() => remove(name)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
