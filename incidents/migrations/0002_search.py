"""Full-text search: PostgreSQL's English stems without its stop words, and the words of each incident."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

import incidents.models.words


class Migration(migrations.Migration):
    dependencies = [
        ('incidents', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TEXT SEARCH DICTIONARY muster_english (TEMPLATE = snowball, LANGUAGE = english);
            CREATE TEXT SEARCH CONFIGURATION muster (COPY = pg_catalog.english);
            ALTER TEXT SEARCH CONFIGURATION muster ALTER MAPPING REPLACE pg_catalog.english_stem WITH muster_english;
            """,
            "DROP TEXT SEARCH CONFIGURATION muster; DROP TEXT SEARCH DICTIONARY muster_english",
        ),
        TrigramExtension(),
        migrations.AddField(
            model_name='incident',
            name='note_words',
            field=django.contrib.postgres.search.SearchVectorField(editable=False, help_text='The words of its notes; incidents.search writes them.', null=True),
        ),
        migrations.AddField(
            model_name='incident',
            name='document',
            field=models.GeneratedField(db_persist=True, expression=incidents.models.words.Joined(incidents.models.words.Words('title', weight='A'), incidents.models.words.Words('description', weight='B'), models.F('note_words')), help_text='Every word that a search can find it by.', output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=django.contrib.postgres.indexes.GinIndex(fields=['document'], name='incidents_by_words'),
        ),
    ]
