"""Who may use which address: the table that a test holds against every route, role and stranger.

The views decide (their fetch helpers raise 404 or 403); this table says what they must have decided. A route that is
not listed fails the test.
"""

from __future__ import annotations

from enum import Enum

from accounts.models import Role


class Access(Enum):
    """The least that a caller must be."""

    ANYBODY = "anybody"
    LINK = "whoever has the link, which is signed or secret"
    TOKEN = "whoever has a token, of the API or of a runner"  # noqa: S105 - words, not a secret
    VIEWER = Role.VIEWER
    RESPONDER = Role.RESPONDER
    MANAGER = Role.MANAGER
    ADMIN = Role.ADMIN


_ROUTES = {
    Access.ANYBODY: """
        healthz readyz paging
        status:subscribe_default status:subscribe
        status:default status:document
        account_login account_logout account_inactive account_signup account_confirm_login_code
        account_reset_password account_reset_password_done account_reset_password_from_key
        account_reset_password_from_key_done account_confirm_email account_email_verification_sent mfa_authenticate
    """,
    Access.LINK: """
        incidents:answer notifications:confirm notifications:drill_answer accounts:setup oncall:feed
        status:confirm status:manage status:unsubscribe
    """,
    Access.TOKEN: """
        metrics automation:claim automation:start automation:output automation:finish
    """,
    Access.VIEWER: """
        home home:now home:my_work home:pages_to_me home:search home:first_steps
        incidents:list incidents:detail incidents:panels incidents:presence incidents:ledger
        incidents:simulate incidents:readiness
        incidents:export incidents:save_view incidents:delete_view incidents:update_template_list
        incidents:subscriptions incidents:follow incidents:unfollow incidents:subscription_remove
        alerts:list alerts:detail alerts:incident_panel
        followups:list followups:export
        metrics:overview metrics:leadership metrics:incidents metrics:on_call metrics:pages metrics:csv metrics:pdf
        metrics:reports metrics:choose_reports metrics:report_file
        postmortems:meeting_ics postmortems:template_list
        postmortems:list postmortems:detail postmortems:incident_panel
        postmortems:export_markdown postmortems:export_html postmortems:export_pdf
        postmortems:events postmortems:history
        statuspage:page_list statuspage:page_detail statuspage:page_logo statuspage:incident_panel
        runbooks:list runbooks:detail runbooks:history runbooks:incident_panel runbooks:run runbooks:run_changed
        automation:action_list automation:action_detail automation:runner_list automation:runner_detail
        automation:incident_panel automation:execution automation:execution_changed
        catalog:service_list catalog:service_detail catalog:maintenance_list catalog:maintenance_detail
        oncall:policy_list oncall:policy_detail oncall:schedule_list oncall:schedule_detail
        oncall:who_text
        oncall:cover_new oncall:cover_withdraw oncall:absence_list oncall:absence_new oncall:absence_remove
        oncall:own_feed_new oncall:own_feed_revoke
        accounts:profile accounts:kept accounts:token_new accounts:token_revoke accounts:team_list accounts:team_detail
        notifications:outbox notifications:notification_detail notifications:team_inbox
        notifications:contact_method_new notifications:contact_method_test notifications:contact_method_remove
        notifications:drill_list notifications:drill_start notifications:drill_monthly notifications:drill_detail
        account_email account_change_password account_set_password account_reauthenticate
        mfa_index mfa_reauthenticate mfa_activate_totp mfa_deactivate_totp
        mfa_view_recovery_codes mfa_generate_recovery_codes mfa_download_recovery_codes
    """,
    Access.RESPONDER: """
        incidents:declare incidents:declare_plan incidents:similar
        incidents:acknowledge incidents:move incidents:assign incidents:severity incidents:services
        incidents:unacknowledge incidents:snooze incidents:wake incidents:exclude incidents:include
        incidents:edit incidents:resolve incidents:escalate incidents:reopen incidents:add_note
        incidents:correct_note incidents:link_evidence incidents:record_mitigation
        incidents:post_update incidents:edit_update incidents:withdraw_update incidents:publish_update
        incidents:add_action incidents:change_action incidents:finish_action
        incidents:reopen_action incidents:accept_action incidents:acknowledge_many
        followups:export_item followups:retry_ticket
        alerts:link_alerts catalog:service_health
        catalog:maintenance_new catalog:maintenance_edit catalog:maintenance_start catalog:maintenance_end
        catalog:maintenance_extend catalog:maintenance_cancel
        postmortems:start
        postmortems:review postmortems:remove_reviewer postmortems:approve postmortems:take_back postmortems:owner
        postmortems:factors postmortems:comment postmortems:settle_comment postmortems:publish
        postmortems:public_version postmortems:publish_public postmortems:meeting postmortems:cancel_meeting
        postmortems:edit postmortems:edit_changed postmortems:section postmortems:preview
        postmortems:section_restore postmortems:event_new postmortems:event_decide postmortems:event_edit
        runbooks:start runbooks:tick runbooks:untick runbooks:skip runbooks:seen
        automation:ask automation:approve automation:refuse automation:stop
        oncall:override_new oncall:override_end oncall:take_now oncall:cover_take
    """,
    Access.MANAGER: """
        alerts:integration_list alerts:integration_new alerts:integration_detail alerts:integration_edit
        alerts:integration_switch alerts:integration_rotate
        postmortems:template_new postmortems:template_edit
        incidents:update_template_new incidents:update_template_edit incidents:update_template_remove
        statuspage:page_new statuspage:page_edit statuspage:page_remove
        statuspage:group_new statuspage:group_edit statuspage:group_remove statuspage:group_move
        statuspage:component_new statuspage:component_edit statuspage:component_remove statuspage:component_move
        runbooks:new runbooks:edit runbooks:review runbooks:archive
        catalog:service_new catalog:service_edit oncall:policy_new oncall:policy_edit
        oncall:schedule_new oncall:schedule_edit oncall:swap
        oncall:schedule_feed_new oncall:schedule_feed_revoke
        accounts:team_new accounts:team_edit notifications:team_addresses
    """,
    Access.ADMIN: """
        home:test_page metrics:settings
        statuspage:subscriber_list statuspage:subscriber_import statuspage:subscriber_export
        statuspage:subscriber_remove
        followups:tracker_list followups:tracker_new followups:tracker_edit
        automation:action_new automation:action_edit automation:action_archive automation:action_secret
        automation:runner_new automation:runner_switch automation:runner_rotate
    """,
}

ROUTES: dict[str, Access] = {name: access for access, names in _ROUTES.items() for name in names.split()}

# Whole namespaces: Django admin is for admins, and the API asks for a token at every operation.
NAMESPACES: dict[str, Access] = {"admin": Access.ADMIN, "api": Access.TOKEN}


def access_of(route: str) -> Access | None:
    """The access of a route by its full name, such as ``incidents:list``; None for one that nobody has listed."""
    return ROUTES.get(route) or NAMESPACES.get(route.partition(":")[0])
