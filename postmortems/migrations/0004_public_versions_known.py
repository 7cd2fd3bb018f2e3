from django.db import migrations


def mark(apps, schema_editor):
    """Updates that are public versions of postmortems are changed there from now on."""
    Postmortem = apps.get_model('postmortems', 'Postmortem')
    StatusUpdate = apps.get_model('incidents', 'StatusUpdate')
    public = Postmortem.objects.filter(public_update__isnull=False)
    StatusUpdate.objects.filter(pk__in=public.values('public_update')).update(is_postmortem=True)


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0024_update_is_postmortem'),
        ('postmortems', '0003_indexed_title'),
    ]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
