/* SPDX-License-Identifier: Apache-2.0 */
/* methods.c - the methods, as the documentation of Data API 2.0 has them. */
#include "comagic/internal.h"

/* F: it may be in a filter, S: in a sort, D: it comes without being named. */
/* clang-format off */
const struct method comagic_methods[] = {
    {.name = "get.calls_report", .kind = "calls", .time = "start_time", .days = 90, .fields =
     "start_time:SD finish_time:D finish_reason:FSD direction:FSD source:FSD is_lost:FSD "
     "cpn_region_id:FSD cpn_region_name:FSD cpn_country_name:FSD cpn_country_id:FSD "
     "contact_phone_number:FD virtual_phone_number:FSD wait_duration:FD total_wait_duration:FD "
     "talk_duration:FD clean_talk_duration:FD total_duration:FD lost_call_processing_duration:FS "
     "postprocess_duration:F call_records:D wav_call_records:D full_record_file_link:D "
     "voice_mail_records: is_transfer:FS employees:F last_answered_employee_id:F "
     "last_answered_employee_full_name:F last_answered_employee_rating:F first_answered_employee_id:F "
     "first_answered_employee_full_name:F last_talked_employee_id:F last_talked_employee_full_name:F "
     "first_talked_employee_id:F first_talked_employee_full_name:F operator_phone_number:F "
     "scenario_id:FS scenario_name:F scenario_operations:F auto_call_campaign_name:FS "
     "call_api_request_id:F call_api_external_id:F contact_id:F contact_full_name:F properties: id:FD "
     "communication_id:FD communication_type:D communication_number:FS communication_page_url: "
     "ua_client_id: ym_client_id: sale_date:FS sale_cost:FS search_query:F search_engine:F "
     "referrer_domain:F referrer:F entrance_page:F gclid:F yclid:F ef_id:F ymclid: channel:F tags:F "
     "site_id:FS site_domain_name:F campaign_id:FS campaign_name:F visit_other_campaign: visitor_id:FS "
     "person_id:F visitor_session_id:F visitor_type:FS visitor_device:FS visits_count:F "
     "visitor_first_campaign_id:F visitor_first_campaign_name:F visitor_city:F visitor_region:F "
     "visitor_country:F visitor_custom_properties:F segments:F utm_source:F utm_medium:F utm_term:F "
     "utm_content:F utm_campaign:F openstat_ad:F openstat_campaign:F openstat_service:F "
     "openstat_source:F eq_utm_source:F eq_utm_medium:F eq_utm_term:F eq_utm_content:F "
     "eq_utm_campaign:F eq_utm_referrer:F eq_utm_expid:F attributes:F source_id:FS source_name:FS "
     "source_new:FS channel_new:FS channel_code:FS ext_id:FS"},
    {.name = "get.call_legs_report", .kind = "call_legs", .time = "start_time", .days = 90, .fields =
     "id:FD call_session_id:FSD call_records:D wav_call_records:D start_time:SD connect_time:D "
     "duration:FSD total_duration:FSD finish_reason:FSD finish_reason_description:FS "
     "virtual_phone_number:FSD calling_phone_number:FSD called_phone_number:FSD direction:FSD "
     "is_transfered:FSD is_operator:FSD is_coach:FSD is_failed:FSD is_talked:FS employee_id:FSD "
     "employee_full_name:FS employee_phone_number:FS employee_rating:FSD scenario_id:FSD "
     "scenario_name:FS release_cause_code:FSD release_cause_description:FSD contact_id: "
     "contact_full_name: contact_phone_number: action_id:FD action_name:FD group_id:FD group_name:FD"},
    {.name = "get.chats_report", .kind = "chats", .time = "date_time", .days = 90, .fields =
     "status:FSD initiator:FSD date_time:SD duration:FSD answer_time:FSD chat_ad_url:D "
     "chat_channel_id:F chat_channel_type:FS chat_channel_name: chat_user_id:FS chat_username:FS "
     "messages_count: is_group_chat:D is_transfer:D release_cause:FD employee_id:FSD "
     "employee_full_name:F employee_raiting:D employee_messages_count: visitor_phone_number:FD "
     "visitor_ids:D visitor_profile_url:F id:FD communication_id:FD communication_type: "
     "communication_number:FS communication_page_url: ua_client_id: ym_client_id: sale_date:FS "
     "sale_cost:FS search_query:F search_engine:F referrer_domain:F referrer:F entrance_page:F gclid:F "
     "yclid:F ef_id:F ymclid: channel:F tags:F site_id:FSD site_domain_name:F campaign_id:FSD "
     "campaign_name:F visit_other_campaign: visitor_id:FSD person_id:FS visitor_session_id:FS "
     "visitor_type:FS visitor_device:FS visits_count:F visitor_first_campaign_id:F "
     "visitor_first_campaign_name:F visitor_city:F visitor_region:F visitor_country:F "
     "visitor_custom_properties:F segments:F utm_source:F utm_medium:F utm_term:F utm_content:F "
     "utm_campaign:F openstat_ad:F openstat_campaign:F openstat_service:F openstat_source:F "
     "eq_utm_source:F eq_utm_medium:F eq_utm_term:F eq_utm_content:F eq_utm_campaign:F "
     "eq_utm_referrer:F eq_utm_expid:F attributes:F source_id:FS source_name:FS source_new:FS "
     "channel_new:FS channel_code:FS ext_id:FS"},
    {.name = "get.chat_messages_report", .kind = "chat_messages", .time = "date_time", .days = 30, .fields =
     "id:FD chat_id:FD channel_id:F channel_type:FS date_time:SD is_group_chat:D visitor_id:D text:D "
     "source:D resource:D employee_id:FSD employee_full_name:D"},
    {.name = "get.offline_messages_report", .kind = "offline_messages", .time = "date_time", .days = 90, .fields =
     "date_time: text:D status:FSD process_time: form_type:FSD form_name:FS properties:D "
     "is_agree_to_process_personal_data:D is_agree_to_mailing:D group_id: group_name:FS "
     "employee_id:FSD employee_full_name:FS employee_answer_message: employee_comment: "
     "visitor_phone_number:FD visitor_email:FD visitor_name:FD id:FD communication_id:FD "
     "communication_type: communication_number:FS communication_page_url: ua_client_id: ym_client_id: "
     "sale_date:FS sale_cost:FS search_query:F search_engine:F referrer_domain:F referrer:F "
     "entrance_page:F gclid:F yclid:F ef_id:F ymclid:F channel:F tags:F site_id:FSD site_domain_name:F "
     "campaign_id:FSD campaign_name:F visit_other_campaign: visitor_id:FSD person_id:FS "
     "visitor_session_id:FD visitor_type:FS visitor_device:FS visits_count:F "
     "visitor_first_campaign_id:F visitor_first_campaign_name:F visitor_city:F visitor_region:F "
     "visitor_country:F visitor_custom_properties:F segments:F utm_source:F utm_medium:F utm_term:F "
     "utm_content:F utm_campaign:F openstat_ad:F openstat_campaign:F openstat_service:F "
     "openstat_source:F eq_utm_source:F eq_utm_medium:F eq_utm_term:F eq_utm_content:F "
     "eq_utm_campaign:F eq_utm_referrer:F eq_utm_expid:F attributes:F source_id:FS source_name:FS "
     "source_new:FS channel_new:FS channel_code:FS ext_id:FS"},
    {.name = "get.goals_report", .kind = "goals", .time = "date_time", .days = 90, .fields =
     "date_time: name:FS type:FD source:FD id:F communication_id:FD communication_type:FD "
     "communication_number:FS communication_page_url: ua_client_id: ym_client_id: sale_date:FS "
     "sale_cost:FS search_query:F search_engine:F referrer_domain:F referrer:F entrance_page:F gclid:F "
     "yclid:F ef_id:F ymclid:F channel:F tags:F site_id:FSD site_domain_name:FS campaign_id:FSD "
     "campaign_name:FS visit_other_campaign: visitor_id:FS person_id:F visitor_session_id:F "
     "visitor_type:FS visitor_device:FS visits_count:F visitor_first_campaign_id:F "
     "visitor_first_campaign_name:F visitor_city:F visitor_region:F visitor_country:F "
     "visitor_custom_properties:F segments:F utm_source:F utm_medium:F utm_term:F utm_content:F "
     "utm_campaign:F openstat_ad:F openstat_campaign:F openstat_service:F openstat_source:F "
     "eq_utm_source:F eq_utm_medium:F eq_utm_term:F eq_utm_content:F eq_utm_campaign:F "
     "eq_utm_referrer:F eq_utm_expid:F attributes:F ext_id:FD"},
    {.name = "get.communications_report", .kind = "communications", .time = "date_time", .days = 90, .fields =
     "date_time:FSD utm_referrer:F utm_expid:F id:FD communication_type:FSD communication_number:FS "
     "communication_page_url: ua_client_id: ym_client_id: sale_date:FS sale_cost:FS search_query:F "
     "search_engine:F referrer_domain:F referrer:F entrance_page:F gclid:F yclid:F ef_id:F ymclid: "
     "channel:F tags:F site_id:FSD site_domain_name:F campaign_id:FSD campaign_name:F "
     "visit_other_campaign:F visitor_id:FSD person_id:FD visitor_session_id:FD visitor_type:FS "
     "visitor_device:FS visits_count:F visitor_first_campaign_id:F visitor_first_campaign_name:F "
     "visitor_city:F visitor_region:F visitor_country:F visitor_custom_properties:F segments:F "
     "utm_source:F utm_medium:F utm_term:F utm_content:F utm_campaign:F openstat_ad:F "
     "openstat_campaign:F openstat_service:F openstat_source:F eq_utm_source:F eq_utm_medium:F "
     "eq_utm_term:F eq_utm_content:F eq_utm_campaign:F eq_utm_referrer:F eq_utm_expid:F attributes:F "
     "source_id:FS source_name:FS source_new:FS channel_new:FS channel_code:FS"},
    {.name = "get.visitor_sessions_report", .kind = "visitor_sessions", .time = "date_time", .days = 90, .fields =
     "date_time: duration: exit_page: engine: cm_id:F integrated_campaign_data:F visitor_ip_address: "
     "visitor_browser_name:FS visitor_browser_version:FS visitor_os_name:FS visitor_os_version: "
     "visitor_screen:FS visitor_language:FS visitor_provider: hits_count: hits: communications:F id: "
     "ua_client_id: ym_client_id: search_query: search_engine: referrer_domain: referrer: "
     "entrance_page: gclid: yclid: ef_id: ymclid: channel: site_id:FSD site_domain_name:FS "
     "campaign_id:FSD campaign_name:FS visitor_id:FSD person_id:FD visitor_type:FS visitor_device:FSD "
     "visitor_city:FS visitor_region:FS visitor_country:FS visitor_custom_properties:F segments:F "
     "utm_source:F utm_medium:F utm_term:F utm_content:F utm_campaign:F openstat_ad:F "
     "openstat_campaign:F openstat_service:F openstat_source:F source_id:FS source_name:FS "
     "source_new:FS channel_new:FS channel_code:FS ext_id:FD"},
    {.name = "get.financial_call_legs_report", .kind = "financial_call_legs", .time = "start_time", .days = 90, .fields =
     "start_time:SD direction:FSD source:FSD call_session_id:FSD leg_id:FSD calling_phone_number:FSD "
     "called_phone_number:FSD duration:FSD chargeable_duration:FSD direction_type:FSD "
     "cost_per_minute:FSD total_charge:FSD bonuses_charge:FSD"},
    {.name = "get.campaign_daily_stat", .kind = "campaign_daily_stat", .time = "date", .days = 90, .needs_site = true, .fields =
     "date:FSD site_id:FSD site_domain_name:FSD campaign_id:FSD campaign_name:FSD campaign_ext_id:FSD "
     "campaign_ext_name:FSD engine:FSD banner_group_id:FSD banner_group_name:FSD keyword_id:FSD "
     "keyword:FSD cost_sum:FSD shows_count:FSD clicks_count:FSD current_banner_id:FSD "
     "current_banner_name:FSD daily_budget:FSD weekly_budget:FSD currency:FSD chats_count: "
     "calls_count: goals_count: offline_messages_count: visits_count: old_banner_ids: session_ids: "
     "source_id: source_name: communications:"},
    {.name = "get.employee_stat", .kind = "employees", .time = "date", .days = 90, .is_aggregate = true, .fields =
     "id:FD first_name:FSD last_name:FSD patronymic:SD full_name:FSD status_stats:FD groups:FD"},
    {.name = "get.employees", .kind = "employees"},
    {.name = "get.group_employees", .kind = "employee_groups"},
    {.name = "get.statuses", .kind = "statuses"},
    {.name = "get.campaigns", .kind = "campaigns"},
    {.name = "get.sites", .kind = "sites"},
    {.name = "get.virtual_numbers", .kind = "virtual_numbers"},
    {.name = "get.tags", .kind = "tags"},
    {.name = "get.scenarios", .kind = "scenarios"},
    {.name = "get.segments", .kind = "segments"},
    {.name = "get.chat_channels", .kind = "chat_channels"},
    {.name = "get.contacts", .kind = "contacts"},
    {.name = NULL},
};
/* clang-format on */
